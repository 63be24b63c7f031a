from __future__ import annotations

import random

import numpy as np
import pytest
from datasketch import MinHash, MinHashLSH
from planted import SPEC, paragraphs, planted_stream, print_of, sentences

from transform.bands import band_keys
from transform.minhash import SketchSpec, minhash
from transform.model import Fingerprint


def test_the_signature_is_datasketchs_own() -> None:
    hashes = np.arange(1, 500, dtype=np.uint64) * np.uint64(2_654_435_761)
    oracle = MinHash(num_perm=128, seed=SPEC.seed, scheme="affine32", hashfunc=int)
    oracle.update_batch((hashes & np.uint64(0xFFFFFFFF)).tolist())
    assert np.array_equal(minhash(hashes, SPEC), oracle.hashvalues)


def test_signatures_estimate_the_jaccard_of_the_sets() -> None:
    rng = random.Random(5)
    shared, mine, yours = (np.array(rng.sample(range(2**62), 300), dtype=np.uint64) for _ in range(3))
    left, right = minhash(np.concatenate([shared, mine]), SPEC), minhash(np.concatenate([shared, yours]), SPEC)
    assert abs(float(np.mean(left == right)) - 1 / 3) < 0.12  # three standard errors at 128 permutations


def test_text_bands_name_the_candidates_that_datasketchs_lsh_names() -> None:
    """25 bands of 5 rows over the same signatures: the same candidates, exactly."""
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


def test_a_short_text_has_no_bands() -> None:
    assert len(print_of("Only a few words stand here.").bands) == 0


def test_no_key_of_one_spec_meets_a_key_of_another() -> None:
    text = paragraphs(sentences(random.Random(4), 20))
    other = SketchSpec(seed=2)
    assert other.digest != SPEC.digest
    signature = minhash(print_of(text).shingles, SPEC)
    mine = band_keys(signature, 25, 5, salt=SPEC.digest)
    assert not set(mine) & set(band_keys(signature, 25, 5, salt=other.digest))


def test_too_short_a_signature_for_its_bands_is_an_error() -> None:
    with pytest.raises(ValueError, match="has no 25 bands"):
        band_keys(np.zeros(64, dtype=np.uint32), 25, 5, salt=b"")


@pytest.mark.parametrize(
    "text",
    [
        "北京时间周二上午,市政府宣布将在年底之前完成滨海大桥的重建工程,预计耗资三亿元,并将设置自行车专用道。",
        "กรุงเทพมหานครประกาศว่าจะซ่อมสะพานริมแม่น้ำให้เสร็จภายในสิ้นปีนี้โดยใช้งบประมาณสามร้อยล้านบาท",
        "В среду городской совет объявил, что мост через реку откроют до конца года, а движение по набережной "
        "восстановят уже в сентябре, как и обещали жителям весной, когда начались работы на этом участке дороги.",
    ],
)
def test_every_script_gets_bands(text: str) -> None:
    assert len(print_of(text).bands) == SPEC.bands + SPEC.lead_bands


def _as_datasketch(print_: Fingerprint) -> MinHash:
    return MinHash(hashvalues=minhash(print_.shingles, SPEC), seed=SPEC.seed, scheme=SPEC.scheme)


def _sharing_a_text_band(url: str, prints: dict[str, Fingerprint]) -> set[str]:
    mine = set(prints[url].bands[: SPEC.bands])
    return {other for other, print_ in prints.items() if mine & set(print_.bands[: SPEC.bands])}
