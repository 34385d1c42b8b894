"""Singular forms of English nouns, by rules and their exceptions.

"dogs" and "dog" must find the same photos, so both are encoded as "dog". A word that only looks
like a plural ("bus", "glasses", "paris") stays as it is.
"""

from __future__ import annotations

from typing import Final

from album.search.query.words import words
from album.storage.text_tokens import SINGULARS

UNCHANGED: Final = frozenset(
    words(
        # no singular, or one that means another thing
        "glasses, sunglasses, eyeglasses, goggles, binoculars, headphones, earphones, scissors,"
        " pliers, tweezers, jeans, pants, shorts, trousers, tights, leggings, overalls, pajamas,"
        " pyjamas, clothes, stairs, outdoors, indoors, upstairs, downstairs, sports, arts, goods,"
        " news, series, species, mathematics, physics, gymnastics, athletics, aerobics, billiards,"
        " darts, chess, checkers, dominoes, fireworks, woods,"
        " headquarters, barracks, crossroads, remains, thanks, always, perhaps, besides,"
        " sometimes, afterwards, towards, alps, andes, rockies,"
        # in -as and -os
        " christmas, xmas, canvas, atlas, texas, kansas, arkansas, dallas, vegas, las, bahamas,"
        " honduras, caracas, pampas, madras, alas, douglas, nicholas, thomas, lucas, chaos, cosmos,"
        " laos, lagos, barbados, kudos, los, rhinoceros, asparagus,"
        # other names
        " athens, brussels, naples, wales, cyprus, philippines, netherlands, maldives, seychelles,"
        " cannes, versailles, marseilles, angeles, queens, orleans, james, charles,"
        " hermes, mercedes, adidas, beatles, lens, mars, holmes, jones, williams, rhodes, buenos,"
        " aires, cards, gps"
    )
)
"""Words in -s that are no plural, or whose singular is another thing."""
IE_NOUNS: Final = frozenset(
    words(
        "movies, cookies, selfies, zombies, neckties, hoodies, smoothies, brownies, prairies,"
        " collies, genies, birdies, calories, rookies, magpies, cuties, doggies, veggies, indies,"
        " aussies, foodies, beanies, goalies, hippies, pixies, townies"
    )
)
"""Plurals in -ies of nouns in -ie."""
_KEEP_E: Final = frozenset(
    words("shoes, toes, canoes, hoes, horseshoes, snowshoes, aches, headaches, axes, caches")
)
_IRREGULAR: Final = {
    **SINGULARS,
    **{"people": "people", "teeth": "tooth", "lenses": "lens", "irises": "iris", "dice": "dice"},
    **{"grandchildren": "grandchild", "snowmen": "snowman", "firemen": "fireman"},
    **{"policemen": "policeman", "fishermen": "fisherman", "gentlemen": "gentleman"},
    **{"businessmen": "businessman", "elves": "elf", "thieves": "thief", "hooves": "hoof"},
    **{"housewives": "housewife", "cacti": "cactus", "octopi": "octopus", "fungi": "fungus"},
    **{"gases": "gas", "canvases": "canvas", "waltzes": "waltz", "quizzes": "quiz"},
}


def singular(word: str) -> str:
    """Return the singular of a word in small letters, or the word."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or not word.endswith("s") or word in UNCHANGED:
        return word
    if word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-1] if word in IE_NOUNS or len(word) < 5 else word[:-3] + "y"
    hisses = word.endswith(("sses", "shes", "ches", "xes", "zzes", "oes", "uses"))
    if hisses and word not in _KEEP_E and not word.endswith("ouses"):
        return word[:-2]
    return word[:-1]
