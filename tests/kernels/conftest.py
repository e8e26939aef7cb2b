"""Kernels of these tests are compiled into a folder of this test run, which its processes share."""

import pytest

from llgrad.kernels.machine import cache


@pytest.fixture(scope="session", autouse=True)
def kernel_folder(tmp_path_factory):
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "popen-gw" in root.name else root) / "llgrad-kernels"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(folder))
        yield folder
