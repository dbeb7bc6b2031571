from painlit.system.seeds import derive_seed


def test_other_parts_give_other_seeds_however_they_are_put_together():
    parts = [(1, "ab"), (1, "a", "b"), ("1", "ab"), ("1a", "b"), (2, "ab"), (1, "ba"), (12, "b"), (1, "2b"), (1,)]
    assert len({derive_seed(*each) for each in parts}) == len(parts)
