"""The language of a text, by py3langid's model and what the page and its source name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier

# What newspapers are written in, as far as the model knows it; with all its 140 labels, short English texts come out
# as Pidgin or Kikuyu. Nynorsk counts as Norwegian.
LANGUAGES = (
    "af am ar az be bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn ko "
    "ky lo lt lv mk ml mn mr ms mt my ne nl no pa pl ps pt ro ru si sk sl so sq sr sv sw ta te th tl tr uk ur uz vi zh"
)
PRIOR_WEIGHT = 10.0  # a language that the page or its source names counts so many times its likelihood in the text
_SAMPLE_CHARS = 1500
_SAME = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "fil": "tl", "sh": "sr"}


def detect_language(text: str, named: Iterable[str | None] = ()) -> str | None:
    """The language of a text, ISO 639-1; None when no language is more likely than all others together.

    named: what the page and its source call their language, a prior and not a verdict
    """
    prior = frozenset(_SAME.get(name or "", name) for name in named)
    weighted = {
        language: likelihood * (PRIOR_WEIGHT if language in prior else 1.0)
        for language, likelihood in _identifier().rank(text[:_SAMPLE_CHARS])
    }
    best = max(weighted, key=weighted.__getitem__)
    return best if weighted[best] > sum(weighted.values()) / 2 else None


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    """The language model: read once a process, a second's work."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES.split())
    identifier.nb_ptc = np.ascontiguousarray(identifier.nb_ptc)  # a feature's weights side by side: half the time
    return identifier
