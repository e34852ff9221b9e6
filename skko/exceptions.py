"""Errors and warnings of skko: each names the cause and the remedy."""


class SkkoError(Exception):
    """Base class of every error that skko itself raises."""


class ModelNotAvailableError(SkkoError, OSError):
    """A model could not be found, reached or read."""


class ModelMismatchError(SkkoError, ValueError):
    """An estimator fitted with one model was asked to embed with another."""


class DeviceNotAvailableError(SkkoError, ValueError):
    """The requested device does not exist on this machine."""


class DeviceMemoryError(SkkoError, MemoryError):
    """A batch did not fit into the memory of its device."""


class MissingDependencyError(SkkoError, ImportError):
    """An optional dependency is needed and not installed."""


class DataFileError(SkkoError, ValueError):
    """A file of texts could not be read as what its name says it is."""


class DataNotAvailableError(SkkoError, OSError):
    """A file of a public data set is not on this machine, and could not or may not be downloaded."""


class SkkoWarning(UserWarning):
    """Base class of every warning that skko itself issues."""


class TruncationWarning(SkkoWarning):
    """Texts were longer than the model reads, and their ends were left out."""


class CacheWarning(SkkoWarning):
    """The cache on disk cannot be used, and vectors are kept in memory instead."""


class DeviceMemoryWarning(SkkoWarning):
    """A batch did not fit into the memory of its device, and smaller ones are used."""


class FontWarning(SkkoWarning):
    """No font with Hangul was found, so a plot cannot show Korean."""


class VersionWarning(SkkoWarning):
    """An object was pickled by another version of skko."""
