"""Tests of skko; a package, so that no other project's tests stand in for it."""
