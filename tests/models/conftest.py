import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny networks are faster on one thread, above all where tests share the cores with other work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
