from __future__ import annotations

import random

import numpy as np
import pytest
from datasketch import MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import SPEC, paragraphs, planted_stream, print_of, sentences

from transform.bands import band_keys, band_salts
from transform.minhash import SketchSpec, fingerprint, fingerprints, minhash, permutations, signatures
from transform.model import Fingerprint

SETS = st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=30), max_size=8)
SCRIPTS = "abc dé ёж ß 市長 のと กำ हिन्दी שָׁ 0٣ &amp; ’\u200f\n."


@given(SETS)
@settings(deadline=None)
def test_signatures_are_datasketchs_own(sets: list[list[int]]) -> None:
    hashes = np.array([value for values in sets for value in values], dtype=np.uint64)
    signed = minhash(hashes, np.cumsum([0, *map(len, sets)]), permutations(SPEC))
    low = [[value & 0xFFFFFFFF for value in values] for values in sets]
    oracles = MinHash.bulk(low, num_perm=SPEC.permutations, seed=SPEC.seed, scheme=SPEC.scheme, hashfunc=int)
    assert signed.tolist() == [oracle.hashvalues.tolist() for oracle in oracles]


def test_signatures_of_large_sets_are_datasketchs_own() -> None:
    hashes = np.arange(1, 300_000, dtype=np.uint64) * np.uint64(2_654_435_761)
    oracle = MinHash(num_perm=128, seed=SPEC.seed, scheme="affine32", hashfunc=int)
    oracle.update_batch((hashes & np.uint64(0xFFFFFFFF)).tolist())
    assert np.array_equal(minhash(hashes, np.array([0, len(hashes)]), permutations(SPEC))[0], oracle.hashvalues)


@given(st.lists(st.text(alphabet=SCRIPTS, max_size=400), max_size=6))
@settings(deadline=None)
def test_a_fingerprint_is_the_same_in_every_batch(texts: list[str]) -> None:
    assert_equal(fingerprints(texts, SPEC), [fingerprint(text, SPEC) for text in texts])


def test_long_texts_and_many_texts_are_worked_on_in_pieces() -> None:
    texts = [item.text for item in planted_stream(seed=8, stories=40)]
    texts.insert(3, "\n\n".join(texts))
    assert_equal(fingerprints(texts, SPEC), [fingerprint(text, SPEC) for text in texts])
    assert np.array_equal(signatures(texts, SPEC), np.concatenate([signatures([text], SPEC) for text in texts]))
    assert signatures([], SPEC).shape == (0, SPEC.permutations)


def test_signatures_estimate_the_jaccard_of_the_sets() -> None:
    rng = random.Random(5)
    shared, mine, yours = ([rng.randrange(2**62) for _ in range(300)] for _ in range(3))
    hashes = np.array([*shared, *mine, *shared, *yours], dtype=np.uint64)
    left, right = minhash(hashes, np.array([0, 600, 1200]), permutations(SPEC))
    assert abs(float(np.mean(left == right)) - 1 / 3) < 0.12  # three standard errors at 128 permutations


def test_text_bands_name_the_candidates_that_datasketchs_lsh_names() -> None:
    """The text bands over the same signatures: the same candidates, exactly."""
    prints = {item.url: print_of(item.text) for item in planted_stream(seed=11, stories=60)}
    lsh = MinHashLSH(params=(SPEC.bands, SPEC.rows), num_perm=SPEC.permutations)
    for url, print_ in prints.items():
        lsh.insert(url, _as_datasketch(print_))
    for url, print_ in prints.items():
        assert set(lsh.query(_as_datasketch(print_))) == _sharing_a_text_band(url, prints)


def test_lead_bands_find_a_copy_whose_tail_was_cut() -> None:
    lines = sentences(random.Random(3), 40)
    whole, trimmed = print_of(paragraphs(lines)), print_of(paragraphs(lines[:8]))
    lead = SPEC.bands
    assert set(whole.bands[lead:]) & set(trimmed.bands[lead:])


def test_short_texts_of_the_same_words_share_their_only_key() -> None:
    one, same, other = map(print_of, ("Only a few words stand here.", "ONLY a few words — stand here", "Few words."))
    assert one.bands.tolist() == same.bands.tolist()
    assert len(one.bands) == len(other.bands) == 1
    assert one.bands[0] != other.bands[0]


@pytest.mark.parametrize("text", ["", " \n", "!? …"])
def test_a_text_without_words_has_no_key(text: str) -> None:
    assert len(print_of(text).bands) == 0


def test_no_key_of_one_spec_meets_a_key_of_another() -> None:
    texts = [paragraphs(sentences(random.Random(4), 20)), "A short text."]
    prints = [fingerprint(text, spec) for text in texts for spec in (SPEC, SketchSpec(min_words=24))]
    assert not set(prints[0].bands) & set(prints[1].bands)
    assert not set(prints[2].bands) & set(prints[3].bands)


def test_keys_are_spread_over_all_bits() -> None:
    """Of values that differ little and are small, as minima are; no two keys alike, each bit set in half of them."""
    low = np.random.default_rng(7).integers(0, 2**20, (2_000, 125), dtype=np.uint32)
    keys = band_keys(low, 5, band_salts(b"salt", 25)).ravel()
    assert len(np.unique(keys)) == keys.size
    shares = np.unpackbits(keys.view(np.uint8)).reshape(-1, 64).mean(axis=0)
    assert abs(shares - 0.5).max() < 0.01  # four standard errors


def test_too_short_a_signature_for_its_bands_is_an_error() -> None:
    with pytest.raises(ValueError, match="has no 25 bands"):
        band_keys(np.zeros((1, 64), dtype=np.uint32), 5, band_salts(b"", 25))


@pytest.mark.parametrize(
    "text",
    [
        "北京时间周二上午,市政府宣布将在年底之前完成滨海大桥的重建工程,预计耗资三亿元,并将设置自行车专用道。",
        "市議会は水曜日、川にかかる橋を年内に開通させ、9月には岸辺の道路の通行を再開すると発表した。工事は春に始まった。",
        "กรุงเทพมหานครประกาศว่าจะซ่อมสะพานริมแม่น้ำให้เสร็จภายในสิ้นปีนี้โดยใช้งบประมาณสามร้อยล้านบาท",
        "В среду городской совет объявил, что мост через реку откроют до конца года, а движение по набережной "
        "восстановят уже в сентябре, как и обещали жителям весной, когда начались работы на этом участке дороги.",
    ],
)
def test_every_script_gets_bands(text: str) -> None:
    assert len(print_of(text).bands) == SPEC.bands + SPEC.lead_bands


def assert_equal(ours: list[Fingerprint], theirs: list[Fingerprint]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        for name in Fingerprint.__slots__:
            assert np.array_equal(getattr(one, name), getattr(other, name)), name


def _as_datasketch(print_: Fingerprint) -> MinHash:
    (signature,) = minhash(print_.shingles, np.array([0, len(print_.shingles)]), permutations(SPEC))
    return MinHash(hashvalues=signature, seed=SPEC.seed, scheme=SPEC.scheme)


def _sharing_a_text_band(url: str, prints: dict[str, Fingerprint]) -> set[str]:
    mine = set(prints[url].bands[: SPEC.bands])
    return {other for other, print_ in prints.items() if mine & set(print_.bands[: SPEC.bands])}
