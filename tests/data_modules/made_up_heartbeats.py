"""What several tests of heartbeats do to a copy of the demo's records."""

from pathlib import Path

import numpy as np
import wfdb

from data_modules.heartbeats.datamodule import HeartbeatDataModule


def opened(config) -> HeartbeatDataModule:
    data = HeartbeatDataModule(config)
    data.prepare_data()
    data.setup()
    return data


def annotate(folder: Path, record: str, symbols: list[str]) -> None:
    at = np.round(np.linspace(200, 24_000, len(symbols))).astype(int)
    wfdb.wrann(record, "atr", at, symbol=symbols, write_dir=str(folder))
