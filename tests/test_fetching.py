"""Files of public data sets: downloaded whole or not at all, compared with their sums, or an error with its remedy."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from skko import config_context
from skko.datasets import fetch_korsts
from skko.datasets._catalogue import DATA_SETS, DataFile, DataSet
from skko.datasets._fetching import find_file
from skko.exceptions import DataFileError, DataNotAvailableError
from tests.file_server import FileServer, serve_files

ROOT = Path(__file__).parents[1]
CONTENT = "둘\t하나\n".encode() * 20_000
OTHER = CONTENT[:-1] + b" "
PATH = "tiny/둘.tsv"
socket = pytest.mark.socket
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither these modes nor this signal")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def publish(address: str | None, content: bytes = CONTENT) -> DataSet:
    url = None if address is None else f"{address}/tiny.tsv"
    return DataSet("CC0", "here", {"all": DataFile(PATH, len(content), sha256(content), url)}, "it was made here")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server with one file, known as the data set ``tiny``."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve_files({"tiny.tsv": CONTENT}) as served:
        monkeypatch.setitem(DATA_SETS, "tiny", publish(served.address))
        yield served


def fetch(home: Path | None, download: bool = True) -> Path:
    return find_file("tiny", "all", home, download)


def left_in(home: Path) -> set[str]:
    return {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}


def in_a_process(server: FileServer, home: Path) -> subprocess.Popen[str]:
    code = (
        "import sys\nfrom pathlib import Path\nfrom skko.datasets import _catalogue as c, _fetching as f\n"
        f"file = c.DataFile({PATH!r}, {len(CONTENT)}, {sha256(CONTENT)!r}, {server.address + '/tiny.tsv'!r})\n"
        "c.DATA_SETS['tiny'] = c.DataSet('', '', {'all': file})\n"
        "print('ready', flush=True)\nprint(f.find_file('tiny', 'all', Path(sys.argv[1]), True).stat().st_size)"
    )
    command = [sys.executable, "-c", code, str(home)]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@socket
def test_a_missing_file_is_downloaded_once(server, tmp_path):
    path = fetch(tmp_path / "data")
    assert path == tmp_path / "data" / PATH
    assert path.read_bytes() == CONTENT
    assert fetch(tmp_path / "data") == path
    assert server.requests == ["tiny.tsv"]
    assert left_in(tmp_path) == {f"data/{PATH}", "data/tiny/.lock"}


@socket
def test_it_goes_below_the_cache_directory(server, fresh_cache):
    assert fetch(None) == fresh_cache / "data" / PATH


@socket
@posix
def test_what_is_downloaded_belongs_to_its_user_alone(server, tmp_path):
    home = tmp_path / "data"
    path = fetch(home)
    assert {oct(one.stat().st_mode & 0o777) for one in (path, path.parent / ".lock")} == {"0o600"}
    assert {oct(one.stat().st_mode & 0o777) for one in (home, path.parent)} == {"0o700"}


@socket
@pytest.mark.parametrize("sent", [OTHER, CONTENT * 3, b""], ids=["changed", "longer", "empty"])
def test_what_is_not_the_published_file_is_refused(sent, server, tmp_path):
    server.files["tiny.tsv"] = sent
    with pytest.raises(DataNotAvailableError, match="Try again") as caught:
        fetch(tmp_path)
    assert left_in(tmp_path) == {"tiny/.lock"}
    assert f"{server.address}/tiny.tsv" in str(caught.value)
    if sent == OTHER:
        assert sha256(CONTENT) in str(caught.value)
        assert sha256(OTHER) in str(caught.value)


@socket
def test_an_interrupted_download_leaves_nothing_and_can_be_tried_again(server, tmp_path):
    server.cut.add("tiny.tsv")
    with pytest.raises(DataNotAvailableError, match=f"ended after {len(CONTENT) // 2:,} of {len(CONTENT):,} bytes"):
        fetch(tmp_path)
    assert left_in(tmp_path) == {"tiny/.lock"}
    server.cut.clear()
    assert fetch(tmp_path).read_bytes() == CONTENT


@socket
def test_what_a_killed_process_left_does_not_matter(server, tmp_path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / ".둘.tsv.part").write_bytes(OTHER * 2)
    assert fetch(tmp_path).read_bytes() == CONTENT
    assert left_in(tmp_path) == {PATH, "tiny/.lock"}


@socket
def test_a_file_that_the_server_has_not(server, tmp_path):
    del server.files["tiny.tsv"]
    with pytest.raises(DataNotAvailableError, match="HTTP Error 404"):
        fetch(tmp_path)
    assert left_in(tmp_path) == {"tiny/.lock"}


@socket
def test_a_server_that_is_not_there(server, tmp_path, monkeypatch):
    with serve_files({}) as gone:
        pass
    monkeypatch.setitem(DATA_SETS, "tiny", publish(gone.address))
    with pytest.raises(DataNotAvailableError, match=r"tiny\.tsv could not be downloaded \(<urlopen error"):
        fetch(tmp_path)


@socket
def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "tiny").write_text("a file")
    with pytest.raises(DataNotAvailableError, match=r"could not be downloaded \(.*tiny"):
        fetch(tmp_path)
    assert server.requests == []


@pytest.mark.parametrize("by", ["setting", "variable"])
def test_offline_nothing_is_asked(by, tmp_path, monkeypatch):
    monkeypatch.setitem(DATA_SETS, "tiny", publish("http://127.0.0.1:9"))
    if by == "variable":
        monkeypatch.setenv("SKKO_OFFLINE", "1")
    with (
        config_context(offline=True if by == "setting" else None),
        pytest.raises(DataNotAvailableError, match=re.escape("skko is offline (SKKO_OFFLINE")) as caught,
    ):
        fetch(tmp_path)
    assert "put http://127.0.0.1:9/tiny.tsv there" in str(caught.value)
    assert str(tmp_path / PATH) in str(caught.value)
    assert left_in(tmp_path) == set()


def test_without_leave_nothing_is_asked(tmp_path, monkeypatch):
    monkeypatch.setitem(DATA_SETS, "tiny", publish("http://127.0.0.1:9"))
    with pytest.raises(DataNotAvailableError, match="download_if_missing is False"):
        fetch(tmp_path, download=False)
    assert isinstance(DataNotAvailableError(), OSError)  # as scikit-learn's fetchers raise


@pytest.mark.parametrize("download", [True, False])
def test_a_file_that_no_address_has(download, tmp_path, monkeypatch):
    monkeypatch.setitem(DATA_SETS, "tiny", publish(None))
    with pytest.raises(DataNotAvailableError, match=f"it was made here. Put it there.*{sha256(CONTENT)}"):
        fetch(tmp_path, download)


@pytest.mark.parametrize("address", [None, "http://127.0.0.1:9"])
def test_a_copy_is_used_without_a_network_or_a_folder_to_write_to(address, tmp_path, monkeypatch):
    monkeypatch.setitem(DATA_SETS, "tiny", publish(address))
    (tmp_path / PATH).parent.mkdir()
    (tmp_path / PATH).write_bytes(CONTENT)
    (tmp_path / "tiny").chmod(0o500)
    with config_context(offline=True):
        assert find_file("tiny", "all", str(tmp_path), False) == tmp_path / PATH
    assert left_in(tmp_path) == {PATH}


@pytest.mark.parametrize(("address", "remedy"), [(None, "Put the published file"), ("http://127.0.0.1:9", "Remove it")])
def test_a_copy_that_differs_is_an_error_and_stays(address, remedy, tmp_path, monkeypatch):
    monkeypatch.setitem(DATA_SETS, "tiny", publish(address))
    (tmp_path / PATH).parent.mkdir()
    (tmp_path / PATH).write_bytes(OTHER)
    with pytest.raises(DataFileError, match=remedy) as caught:
        fetch(tmp_path)
    assert all(part in str(caught.value) for part in (str(tmp_path / PATH), sha256(CONTENT), sha256(OTHER)))
    assert (tmp_path / PATH).read_bytes() == OTHER


def test_a_copy_is_compared_each_time(tmp_path, monkeypatch):
    monkeypatch.setitem(DATA_SETS, "tiny", publish(None))
    (tmp_path / PATH).parent.mkdir()
    (tmp_path / PATH).write_bytes(CONTENT)
    stamp = fetch(tmp_path).stat()
    (tmp_path / PATH).write_bytes(OTHER)
    os.utime(tmp_path / PATH, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    with pytest.raises(DataFileError):
        fetch(tmp_path)


@socket
def test_two_processes_download_once(server, tmp_path):
    server.held.add("tiny.tsv")
    processes = [in_a_process(server, tmp_path) for _ in range(2)]
    assert [process.stdout.readline() for process in processes] == ["ready\n", "ready\n"]
    assert server.halfway.wait(60)
    server.released.set()
    said = [process.communicate(timeout=300) for process in processes]
    assert said == [(f"{len(CONTENT)}\n", "")] * 2
    assert server.requests == ["tiny.tsv"]
    assert left_in(tmp_path) == {PATH, "tiny/.lock"}


@socket
@posix
def test_ctrl_c_leaves_nothing(server, tmp_path):
    server.held.add("tiny.tsv")
    process = in_a_process(server, tmp_path)
    assert server.halfway.wait(60)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=300)[1]
    assert "KeyboardInterrupt" in said, said
    assert left_in(tmp_path) == {"tiny/.lock"}
    server.held.clear()
    server.released.set()
    assert fetch(tmp_path).read_bytes() == CONTENT


@socket
def test_two_threads_download_once(server, tmp_path):
    threads = [threading.Thread(target=fetch, args=(tmp_path,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert server.requests == ["tiny.tsv"]
    assert (tmp_path / PATH).read_bytes() == CONTENT


@socket
def test_progress_is_shown_where_it_is_wanted(server, tmp_path, capsys):
    with config_context(show_progress=True):
        fetch(tmp_path)
    assert f"{PATH}: 100%" in capsys.readouterr().err


def test_a_subset_that_there_is_not(tmp_path):
    with pytest.raises(ValueError, match=r"no 'test' of korsts: use one of \['dev', 'train'\]"):
        fetch_korsts("test", data_home=tmp_path)


FILES = [(name, subset) for name, data_set in DATA_SETS.items() for subset in data_set.files]


@pytest.mark.parametrize(("name", "subset"), FILES)
def test_the_catalogue_is_whole(name, subset):
    data_set = DATA_SETS[name]
    file = data_set.files[subset]
    assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
    assert file.n_bytes > 0
    assert data_set.licence
    assert data_set.source.startswith("https://github.com/")
    if file.url is None:
        assert data_set.origin
        return
    owner, commit = re.match(r"https://raw\.githubusercontent\.com/([\w.-]+/[\w.-]+)/(\w+)/", file.url).groups()
    assert data_set.source == f"https://github.com/{owner}"
    assert re.fullmatch(r"[0-9a-f]{40}", commit) or name == "autorag"


def test_no_file_is_named_twice():
    paths = [DATA_SETS[name].files[subset].path for name, subset in FILES]
    assert len(set(paths)) == len(paths) == len({DATA_SETS[name].files[subset].sha256 for name, subset in FILES})
    assert not any(Path(path).is_absolute() or ".." in path for path in paths)
