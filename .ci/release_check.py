"""Is this commit fit for a release? Builds it and tries what was built in environments that have nothing else.

``python .ci/release_check.py [STEP ...]``; without steps, all of them:

build       wheel and sdist, their metadata and what is in them
install     each into an empty environment: dependencies agree, the commands and the demo run, types are visible
pythons     the wheel on every interpreter of PYTHONS that is found
extras      each extra absent (the error names it) and alone (its door opens)
outside     the tests of the sdist against the installed wheel, where there is no skko/ to import by accident
lowest      the tests with the lowest versions that pyproject.toml allows
newest      the tests with the newest
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = Path(os.environ.get("RELEASE_CHECK_DIR") or tempfile.mkdtemp(prefix="skko-release-"))
PYTHONS = ("3.11", "3.12", "3.13")
MOST_BYTES = 20_000_000  # of the wheel: most of it is skko-mini
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = [extra for extra in PROJECT["optional-dependencies"] if extra not in ("test", "lint", "docs")]
TYPED = "from skko import KoEmbeddingTransformer\nreveal_type(KoEmbeddingTransformer().max_length)\n"
PYTEST = ["-m", "pytest", "-p", "no:cacheprovider", "--numprocesses", "2", "--dist", "loadfile", "tests"]


def run(*command: str | Path, **options: object) -> str:
    """Run a command outside the tree; what it prints, or the end of it all where it fails."""
    env = {**os.environ, "PYTHONUTF8": "1", "PYTHONPATH": "", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    env["SKKO_CACHE_DIR"] = str(WORK / "cache")
    done = subprocess.run(command, cwd=options.get("cwd", WORK), env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def artefact(ending: str) -> Path:
    """The wheel or the sdist."""
    (found,) = (WORK / "dist").glob(f"*{ending}")
    return found


def environment(name: str, *requirements: str | Path, python: str | Path = sys.executable, pinned: bool = True) -> Path:
    """A new environment with these alone; its interpreter."""
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    run(python, "-m", "venv", folder)
    interpreter = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    constraints = ["--constraint", ROOT / "constraints.txt"] if pinned else []
    if requirements:
        run(interpreter, "-m", "pip", "install", "--quiet", *constraints, *requirements)
        run(interpreter, "-m", "pip", "check")
    return interpreter


def build() -> None:
    """Make both, and look into them."""
    shutil.rmtree(WORK / "dist", ignore_errors=True)
    tools = environment("tools", "build", "twine", pinned=False)
    run(tools, "-m", "build", "--outdir", WORK / "dist", ROOT)
    run(tools, "-m", "twine", "check", "--strict", artefact(".whl"), artefact(".tar.gz"))
    names = zipfile.ZipFile(artefact(".whl")).namelist()
    for wanted in ("skko/py.typed", "skko/models/mini/model.safetensors", "skko/models/mini/README.md"):
        assert wanted in names, f"the wheel lacks {wanted}"
    assert any(name.endswith("licenses/LICENSE") for name in names), "the wheel lacks the licence"
    assert all(name.startswith(("skko/", "skko-")) for name in names), "the wheel holds more than skko"
    assert artefact(".whl").stat().st_size < MOST_BYTES, "the wheel is too large"


def install() -> None:
    """Use both as a newcomer does."""
    try_out(environment("sdist", artefact(".tar.gz")))
    try_out(checker := environment("wheel", artefact(".whl")))
    run(checker, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", "mypy")
    (WORK / "typed.py").write_text(TYPED)
    shown = run(checker, "-m", "mypy", "typed.py")
    assert 'Revealed type is "int | None"' in shown or 'Union[builtins.int, None]"' in shown, shown


def try_out(interpreter: Path) -> None:
    """The commands a newcomer types."""
    assert PROJECT["name"] in run(interpreter, "-m", "skko", "--version")
    demo = run(interpreter, "-m", "skko", "demo", "--json", "--quiet", "--out", WORK / "demo")
    assert '"best_score"' in demo
    (WORK / "글.txt").write_text("배송이 늦어요\n환불해 주세요\n", encoding="utf-8")
    search = ["search", "글.txt", "--query", "돈을 돌려받고 싶어요", "--top-k", "1"]
    assert "환불해" in run(interpreter, "-m", "skko", *search)


def pythons() -> None:
    """Every supported version that is here; those that are not are named."""
    for version in PYTHONS:
        python = shutil.which(f"python{version}")
        if python is None or subprocess.run([python, "--version"], capture_output=True, check=False).returncode:
            print(f"  python{version} is not here")
            continue
        try_out(environment(f"python{version}", artefact(".whl"), python=python))
        print(f"  {version}")


def extras() -> None:
    """One environment without any; on top of it, one for each extra."""
    core = environment("core", artefact(".whl"))
    (packages,) = run(core, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").split()
    model = WORK / "model"
    if not model.exists():
        code = "import pathlib, sys, tests.tiny; tests.tiny.build_xlm_roberta(pathlib.Path(sys.argv[1]), seed=0)"
        run(core, "-c", code, model, cwd=unpacked())
    for extra in EXTRAS:
        run(core, ROOT / ".ci" / "doors.py", extra, "absent", model)
        alone = environment(f"extra-{extra}")
        (own,) = run(alone, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").split()
        (Path(own) / "core.pth").write_text(packages)  # pip sees what is there, and adds what the extra asks for
        wanted = f"skko[{extra}] @ {artefact('.whl').as_uri()}"
        run(alone, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", wanted)
        run(alone, ROOT / ".ci" / "doors.py", extra, "present", model)
        print(f"  {extra}")


def unpacked() -> Path:
    """The sdist without skko/: tests, and what they need."""
    folder = WORK / "unpacked"
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(artefact(".tar.gz")) as archive:
        archive.extractall(folder, filter="data")
    (inner,) = folder.iterdir()
    shutil.rmtree(inner / "skko")
    return inner


def outside() -> None:
    """The whole suite."""
    interpreter = environment("outside", f"skko[test] @ {artefact('.whl').as_uri()}")
    run(interpreter, *PYTEST, cwd=unpacked())


def lowest() -> None:
    """The lowest that is declared; what those depend on is as new as they let it be."""
    tools = environment("resolver", "uv", pinned=False)
    found = run(tools, "-m", "uv", "pip", "compile", "--quiet", "--extra", "test", "--resolution", "lowest-direct",
                "--python", sys.executable, ROOT / "pyproject.toml")  # fmt: skip
    (WORK / "lowest.txt").write_text(found)
    wheel = f"skko[test] @ {artefact('.whl').as_uri()}"
    interpreter = environment("lowest", "--requirement", WORK / "lowest.txt", wheel, pinned=False)
    # Old versions warn of what they call in newer ones, which is none of skko's business.
    run(interpreter, *PYTEST, "-W", "default", cwd=unpacked())


def newest() -> None:
    """Whatever the index has today."""
    interpreter = environment("newest", f"skko[test] @ {artefact('.whl').as_uri()}", pinned=False)
    run(interpreter, *PYTEST, cwd=unpacked())


STEPS = {step.__name__: step for step in (build, install, pythons, extras, outside, lowest, newest)}


def main() -> None:
    """Do the steps in order."""
    wanted = sys.argv[1:] or list(STEPS)
    if unknown := set(wanted) - set(STEPS):
        sys.exit(f"Unknown steps {sorted(unknown)}: use {list(STEPS)}.")
    WORK.mkdir(parents=True, exist_ok=True)
    print(f"in {WORK}")
    for name in wanted:
        print(name, flush=True)
        STEPS[name]()
        for made in WORK.glob("*/pyvenv.cfg"):  # gigabytes each
            shutil.rmtree(made.parent)
    print("fit for a release, as far as " + ", ".join(wanted) + " can tell")


if __name__ == "__main__":
    main()
