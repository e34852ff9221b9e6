"""Settings: defaults, environment, the process, and a block."""

import threading
from pathlib import Path

import pytest

from skko import config_context, get_config, set_config


@pytest.fixture(autouse=True)
def _defaults(monkeypatch):
    """No setting and no variable from outside; none left behind."""
    for name in ("SKKO_CACHE_DIR", "SKKO_DEVICE", "SKKO_OFFLINE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    yield
    set_config(**dict.fromkeys(get_config()))


def test_defaults():
    assert get_config() == {
        "cache_dir": Path.home() / ".cache" / "skko",
        "device": "auto",
        "max_loaded_models": 4,
        "disk_cache_bytes": 4 << 30,
        "memory_cache_bytes": 1 << 30,
        "offline": False,
        "show_progress": "auto",
    }


def test_environment_variables_set_defaults(monkeypatch, tmp_path):
    monkeypatch.setenv("SKKO_CACHE_DIR", str(tmp_path / "캐시"))
    monkeypatch.setenv("SKKO_DEVICE", "cuda:1")
    monkeypatch.setenv("SKKO_OFFLINE", "1")
    settings = get_config()
    assert settings["cache_dir"] == tmp_path / "캐시"
    assert settings["device"] == "cuda:1"
    assert settings["offline"] is True


@pytest.mark.parametrize(
    ("value", "offline"),
    [("1", True), ("true", True), ("YES", True), ("on", True), ("0", False), ("false", False), ("no", False)],
)
def test_offline_reads_the_usual_words(value, offline, monkeypatch):
    monkeypatch.setenv("SKKO_OFFLINE", value)
    assert get_config()["offline"] is offline


def test_empty_variables_are_not_set(monkeypatch):
    # An empty path would be the working directory, and there is no device without a name.
    for name in ("SKKO_CACHE_DIR", "SKKO_DEVICE", "SKKO_OFFLINE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "")
    settings = get_config()
    assert settings["cache_dir"] == Path.home() / ".cache" / "skko"
    assert (settings["device"], settings["offline"]) == ("auto", False)


def test_the_cache_follows_xdg_and_home(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert get_config()["cache_dir"] == tmp_path / "skko"
    monkeypatch.setenv("SKKO_CACHE_DIR", "~/elsewhere")
    assert get_config()["cache_dir"] == Path.home() / "elsewhere"


def test_set_config_goes_before_the_environment_and_none_goes_back_to_it(monkeypatch):
    monkeypatch.setenv("SKKO_DEVICE", "cuda:1")
    set_config(device="cpu", max_loaded_models=2)
    assert (get_config()["device"], get_config()["max_loaded_models"]) == ("cpu", 2)
    set_config(device=None)
    assert (get_config()["device"], get_config()["max_loaded_models"]) == ("cuda:1", 2)


def test_set_config_holds_in_every_thread():
    set_config(offline=True)
    assert seen_in_a_thread("offline") is True


def test_a_path_is_expanded_and_may_be_text(tmp_path):
    set_config(cache_dir="~/vectors")
    assert get_config()["cache_dir"] == Path.home() / "vectors"
    set_config(cache_dir=tmp_path)
    assert get_config()["cache_dir"] == tmp_path


def test_what_get_config_returns_is_a_copy():
    get_config()["offline"] = True
    assert get_config()["offline"] is False


def test_a_block_goes_before_the_process_and_nests():
    set_config(device="cpu")
    with config_context(device="mps", offline=True):
        with config_context(device="cuda"):
            assert (get_config()["device"], get_config()["offline"]) == ("cuda", True)
        assert (get_config()["device"], get_config()["offline"]) == ("mps", True)
        # Set for the process within a block, a value holds once the block ends.
        set_config(device="xpu")
        assert get_config()["device"] == "mps"
    assert (get_config()["device"], get_config()["offline"]) == ("xpu", False)


def test_none_in_a_block_leaves_the_setting_as_it_is():
    set_config(device="cpu")
    with config_context(device=None):
        assert get_config()["device"] == "cpu"


def fail_within_a_block():
    with config_context(offline=True):
        raise RuntimeError("within")


def test_an_error_ends_the_block():
    with config_context(device="mps"):
        with pytest.raises(RuntimeError, match="within"):
            fail_within_a_block()
        assert (get_config()["device"], get_config()["offline"]) == ("mps", False)


def seen_in_a_thread(name):
    seen = []
    thread = threading.Thread(target=lambda: seen.append(get_config()[name]))
    thread.start()
    thread.join()
    return seen[0]


def test_a_block_holds_in_its_own_thread_alone():
    with config_context(offline=True):
        assert seen_in_a_thread("offline") is False


def test_blocks_of_two_threads_do_not_meet():
    both_inside = threading.Barrier(2, timeout=30)
    seen = {}

    def within(device):
        with config_context(device=device):
            both_inside.wait()
            seen[device] = get_config()["device"]
            both_inside.wait()

    threads = [threading.Thread(target=within, args=(device,)) for device in ("cpu", "cuda")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"cpu": "cpu", "cuda": "cuda"}
    assert get_config()["device"] == "auto"


WRONG = [
    {"cache_dir": 3},
    {"device": 1},
    {"max_loaded_models": 0},
    {"max_loaded_models": True},
    {"max_loaded_models": 1.5},
    {"memory_cache_bytes": -1},
    {"memory_cache_bytes": "1GB"},
    {"offline": "yes"},
    {"offline": 1},
    {"show_progress": "always"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_value_is_named_and_changes_nothing(wrong):
    ((name, value),) = wrong.items()
    before = get_config()
    with pytest.raises(ValueError, match=f"{name} must be .*, got {value!r}"):
        set_config(**wrong)
    with pytest.raises(ValueError, match=f"{name} must be"), config_context(**wrong):
        pass
    assert get_config() == before


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"Unknown settings \['ofline'\].*'offline'.*sklearn\.set_config"):
        set_config(ofline=True)
    with pytest.raises(ValueError, match="Unknown settings"), config_context(ofline=True):
        pass


def test_one_wrong_setting_keeps_the_others_from_being_set():
    with pytest.raises(ValueError, match="max_loaded_models"):
        set_config(offline=True, max_loaded_models=0)
    assert get_config()["offline"] is False


@pytest.mark.parametrize("show", [True, False, "auto"])
def test_progress_is_a_switch_or_auto(show):
    set_config(show_progress=show)
    assert get_config()["show_progress"] == show
