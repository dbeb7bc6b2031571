import subprocess
import sys

AFTER_THREADS = """
import cv2, numpy as np
from torch.utils.data import DataLoader, Dataset
from painlit.processes import loader_options

class Blurred(Dataset):
    def __len__(self):
        return 8
    def __getitem__(self, row):
        return int(cv2.GaussianBlur(np.full((512, 512, 3), row, np.uint8), (0, 0), 3)[0, 0, 0])

if __name__ == "__main__":
    cv2.setNumThreads(4)
    cv2.GaussianBlur(np.zeros((2048, 2048, 3), np.uint8), (0, 0), 3)  # OpenCV's threads are at work from now on
    print([int(row) for batch in DataLoader(Blurred(), 2, **loader_options(2)) for row in batch])
"""


def test_a_loader_works_after_opencv_has_used_threads(tmp_path):
    script = tmp_path / "after_threads.py"
    script.write_text(AFTER_THREADS)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[0, 1, 2, 3, 4, 5, 6, 7]", done.stderr
