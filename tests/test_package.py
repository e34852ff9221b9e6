"""The package as a whole: what importing costs, which names there are, what the wheel holds."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import skko

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "sentence_transformers", "kiwipiepy", "matplotlib", "sklearn", "hdbscan")


def run(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return result.stdout


def test_import_loads_nothing_heavy():
    loaded = json.loads(run("import json, sys, skko; print(json.dumps([m for m in sys.modules]))"))
    assert not set(HEAVY) & set(loaded)


def test_help_loads_nothing_heavy():
    code = (
        "import json, sys\nfrom skko.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\nprint(json.dumps([m for m in sys.modules]))"
    )
    loaded = json.loads(run(code).splitlines()[-1])
    assert not set(HEAVY) & set(loaded)


def test_estimators_are_defined_without_torch():
    names = [
        "KoTextNormalizer",
        "KoMorphemeVectorizer",
        "HDBSCANClusterer",
        "ParaphraseMiner",
        "KoEmbeddingTransformer",
    ]
    code = f"import json, sys, skko; [getattr(skko, n)() for n in {names}]; print(json.dumps([m for m in sys.modules]))"
    assert not {"torch", "sentence_transformers", "kiwipiepy", "matplotlib"} & set(json.loads(run(code)))


@pytest.mark.parametrize("name", [name for name in skko.__all__ if name != "__version__"])
def test_public_names_lead_home(name):
    value = getattr(skko, name)
    home = importlib.import_module(skko._HOMES[name])
    assert getattr(home, name) is value
    assert name in home.__all__
    assert value.__doc__


def test_listed_names_and_homes_are_the_same():
    assert set(skko._HOMES) | {"__version__"} == set(skko.__all__)
    assert set(skko.__all__) <= set(dir(skko))


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no_such_name"):
        skko.no_such_name  # noqa: B018


def test_modules_stay_small():
    sizes = {path: path.read_text(encoding="utf-8").count("\n") for path in Path(skko.__file__).parent.rglob("*.py")}
    assert max(sizes.values()) <= 400
    assert sorted(sizes.values())[len(sizes) // 2] <= 150


def test_factories_return_plain_pipelines(tiny_a):
    from sklearn.pipeline import Pipeline

    for factory in (skko.make_text_classifier, skko.make_topic_clusterer, skko.make_paraphrase_miner):
        assert type(factory(str(tiny_a))) is Pipeline
