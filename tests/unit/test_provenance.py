"""What a report stands on: hashes that `sha256sum` gives too."""

import pytest

from pipeline.provenance import SHOWN_PACKAGES, provenance, sha256

CARD = {
    "title": "Made", "producer": "nobody", "citation": "none", "where": "here", "licence": "CC0",
    "obtained": "'2026-01-01'", "read_how": "by hand", "caution": "none",
}  # fmt: skip


@pytest.fixture
def place(tmp_path):
    raw, code = tmp_path / "raw" / "made", tmp_path / "code"
    raw.mkdir(parents=True)
    code.mkdir()
    (raw / "provenance.yaml").write_text("".join(f"{k}: {v}\n" for k, v in CARD.items()))
    (raw / "b.csv").write_bytes(b"")
    (raw / "a.csv").write_bytes(b"abc")
    (code / "x.py").write_text("x = 1\n")
    lock = tmp_path / "requirements.lock"
    lock.write_text("".join(f"{name}==1.{i} \\\n    --hash=sha256:0\n" for i, name in enumerate(SHOWN_PACKAGES)))
    return [raw], [code], lock


def test_known_hashes(place):
    """SHA-256 of '' and 'abc': FIPS 180-2, appendix B.1."""
    files = {e["file"]: e["sha256"] for e in provenance(*place)["inputs"]}
    assert list(files) == ["a.csv", "b.csv"]
    assert files["a.csv"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files["b.csv"] == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_each_file_carries_its_card_and_the_lock_its_versions(place):
    found = provenance(*place)
    assert found["inputs"][0]["licence"] == "CC0"
    assert found["packages"] == {name: f"1.{i}" for i, name in enumerate(SHOWN_PACKAGES)}
    assert found["lock_sha256"] == sha256(place[2])


@pytest.mark.parametrize("change", ["edit", "add", "rename"])
def test_any_change_of_the_code_changes_its_hash(place, change):
    before, file = provenance(*place)["code_sha256"], place[1][0] / "x.py"
    if change == "edit":
        file.write_text("x = 2\n")
    elif change == "add":
        (place[1][0] / "y.py").write_text("")
    else:
        file.rename(place[1][0] / "z.py")
    assert provenance(*place)["code_sha256"] != before


def test_a_delivery_without_a_card_is_refused(place, refused):
    (place[0][0] / "provenance.yaml").unlink()
    assert refused(provenance, *place).file == "made/provenance.yaml"


@pytest.mark.parametrize(
    ("old", "new", "says"), [("licence: CC0\n", "", "licence"), ("title: Made", "titel: Made", "titel")]
)
def test_a_card_that_is_not_whole_is_refused(place, old, new, says):
    card = place[0][0] / "provenance.yaml"
    card.write_text(card.read_text().replace(old, new))
    with pytest.raises(ValueError, match=rf"(?s)made/provenance.yaml.*{says}"):
        provenance(*place)


def test_a_lock_that_does_not_pin_a_shown_package_is_refused(place, refused):
    place[2].write_text(place[2].read_text().replace("numpy==", "nunpy=="))
    assert "numpy" in refused(provenance, *place).problem
