"""PTB: the diagnosis of a record, and patients who are on one side."""

import numpy as np
import pytest
from made_up_heartbeats import opened

from data_modules.heartbeats.ptb import PTB
from painlit.config import load


def test_ptb_takes_the_diagnosis_from_the_header(heartbeats):
    header = heartbeats / "ptbdb/patient002/s0001_re.hea"
    header.write_text(header.read_text().replace("Healthy control", "Valvular heart disease"))
    bare = heartbeats / "ptbdb/patient004/s0001_re.hea"
    bare.write_text("\n".join(line for line in bare.read_text().splitlines() if not line.startswith("#")) + "\n")
    source = PTB(heartbeats / "ptbdb")
    assert source.left_out() == {
        "valvular heart disease": ["patient002/s0001_re"],
        "no diagnosis": ["patient004/s0001_re"],
    }
    assert len(source.records()) == 6
    labels = {record: set(source.read(record).labels.tolist()) for record in source.records()}
    assert labels["patient000/s0001_re"] == {0}
    assert labels["patient001/s0001_re"] == {1}


def test_ptb_divides_by_patient_with_both_classes_on_both_sides(heartbeats):
    source = PTB(heartbeats / "ptbdb")
    records = source.records()
    part = source.division(records, "inter_patient", 0.25, seed=3)
    ill = np.array([int(record[7:10]) % 2 for record in records])
    assert {(int(i), int(p)) for i, p in zip(ill, part, strict=True)} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_patients_of_ptb_are_on_one_side(heartbeats, tmp_path):
    config = load(["ecg.sets=[ptb]", "ecg.split=inter_patient", f"ecg.roots.ptb={heartbeats}/ptbdb"])
    data = opened(config)
    (collection,) = data.collections
    sides = [
        {collection.records[k] for k in collection.record[rows[0]]} for rows in (data.train_rows, data.validation_rows)
    ]
    assert not sides[0] & sides[1]
    assert sides[0] | sides[1] == set(collection.records)


@pytest.mark.parametrize("seed", range(5))
def test_all_records_of_a_patient_of_ptb_are_on_one_side(heartbeats, seed: int):
    for patient in (heartbeats / "ptbdb").glob("patient*"):
        for file in list(patient.glob("s0001_re.*")):
            text = file.read_bytes()
            text = text.replace(b"s0001_re", b"s0002_re") if file.suffix == ".hea" else text
            file.with_name(f"s0002_re{file.suffix}").write_bytes(text)
    source = PTB(heartbeats / "ptbdb")
    records = source.records()
    assert len(records) == 16
    part = source.division(records, "inter_patient", 0.25, seed)
    sides = [{record.split("/")[0] for record, p in zip(records, part, strict=True) if p == side} for side in (0, 1)]
    assert [len(side) for side in sides] == [6, 2], "a patient with two records counts once"
    assert not sides[0] & sides[1]
    assert part.tolist() != source.division(records, "inter_patient", 0.25, seed + 10).tolist()
