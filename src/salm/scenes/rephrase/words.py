"""The content words of a caption, by their stems, so that "a man types" and "typing by a man" have the same.

A light stemmer for descriptions of sounds, not for English at large: it takes away the endings that verbs and plurals
have, and knows the irregular forms and the few families (talk, speak, say) that such descriptions turn into each other.
"""

import re

__all__ = ["content_stems", "shared", "words"]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")

_FUNCTION_WORDS = """
a about after again all also an and any are as at be been before being both but by can come comes coming could did
direction directions do does each emanates emanating emitted emitting etc every followed following follows for from
gave give gives giving had has have he hear heard hearing her his i if in into is it its itself just located made
make makes making more my near no not occur occurred occurring occurs of off on once one or originates originating
other our out over own present s she shortly side simultaneously so some something sound sounding sounds source
sources such than that the their them then there these they this those through to too towards until up upon us very
was we were what when where which while who will with within would you your
"""

# A family a line.
_FAMILIES = """
talk talks talking talked speak speaks speaking spoke spoken speech say says saying said voice voices
man men male males guy gentleman
woman women female females lady ladies
child children kid kids
person people someone somebody persons individual individuals
baby babies infant infants
laugh laughs laughing laughed laughter giggle giggles giggling
applause applaud applauds applauding applauded clap claps clapping clapped
cry cries crying cried weep weeps weeping sob sobs sobbing
ring rings ringing rang rung
sing sings singing sang sung song
blow blows blowing blew blown
run runs running ran
drive drives driving drove driven
fly flies flying flew flown
shut shuts shutting close closes closing closed
gunshot gunshots gunfire
distant distance distantly
continuous continuously constant constantly continual continually continuing continues
repeat repeats repeated repeatedly repetitive repetitively repeating
"""
_FUNCTION = frozenset(_FUNCTION_WORDS.split())
_FAMILY = {word: number for number, family in enumerate(_FAMILIES.splitlines()) for word in family.split()}

_VOWEL = re.compile("[aeiouy]")


def words(text: str) -> list[str]:
    """Words of a text in lower case, without punctuation; one with a hyphen is two."""
    return [word.lower() for word in _WORD.findall(text)]


def content_stems(text: str) -> frozenset[str]:
    """Stems of the words that say what is heard; of a text that has none such, of all its words."""
    said = words(text)
    content = [word for word in said if word not in _FUNCTION]
    return frozenset(_stem(word) for word in content or said)


def shared(stems: frozenset[str], others: frozenset[str]) -> float:
    """Share of some stems that are among others; 1 if there are none."""
    return len(stems & others) / len(stems) if stems else 1.0


def _stem(word: str) -> str:
    word = re.sub("['’]s?$", "", word)
    if word in _FAMILY:
        return f"+{_FAMILY[word]}"
    for ending, instead in _ENDINGS:
        stem = ending.sub(instead, word)
        if stem != word and len(stem) >= 3 and _VOWEL.search(stem):
            word = stem
            break
    return _even(word)


def _even(word: str) -> str:
    """What "hum", "humm", "vibrate" and "vibrat", or "cry" and "cri", have in common."""
    word = re.sub(r"(?<=\w\w)ly$", "", word) if len(word) > 5 else word
    word = re.sub(r"(?<=\w\w\w)e$", "", word)
    word = re.sub(r"y$", "i", word)
    return re.sub(r"([^aeiou])\1$", r"\1", word)


# The first that fits is taken away.
_ENDINGS = [
    (re.compile(pattern), instead)
    for pattern, instead in (
        ("(?:ies|ied)$", "y"),
        ("(?<=[aeiou]t)ions?$|(?<=[bcdrst]at)ions?$", ""),
        ("(?<=ch|sh|ss)es$|(?<=[xzo])es$", ""),
        ("(?<=[^su])s$", ""),
        ("ings?$", ""),
        ("ed$", ""),
    )
]
