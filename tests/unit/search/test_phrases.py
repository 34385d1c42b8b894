from __future__ import annotations

import pytest

from album.search.query.phrases import plain
from models.prompts import EVERYDAY_WORDS

SAME = """
dog = dogs = Dog!! = DOG = a dog = the dogs. = ＤＯＧ = "dog = 🐶 = 🐕
cat = Cats? = 🐱
wolf = wolves
box = boxes
berry = berries
movie = movies
bus = buses = 🚌
potato = potatoes
house = houses
child = children
dog in snow = dogs in snow = A dog in snow!
christmas tree = 🎄
red car = red cars = RED CAR…
강아지 = 강아지를 = 강아지랑 = 강아지가 있는 = 강아지가 있는 사진 = 강아지들 = 강아지! = 강아지사진
눈 오는 날 강아지 = 눈이 오는 날 강아지 = 눈오는날 강아지 = 눈오는날 강아지를
제주도 여행 = 제주도여행
생일 케이크 = 생일케이크 = 생일 케이크를
고양이 = 고양이가 = 고양이들이 = 고양이가 나온 사진
노을 지는 산 = 노을이 지는 산 = 노을지는산
김치찌개 = 김치찌개를 = 김치찌개가 있는
강아지 산책 = 🐶 산책
"""
ROWS = [row.split(" = ") for row in SAME.splitlines() if row]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_phrases_of_equal_meaning_are_equal(row):
    assert {spelling: plain(spelling) for spelling in row} == dict.fromkeys(row, row[0])


UNCHANGED = """
glasses, sunglasses, news, paris, bus, jeans, scissors, christmas, tennis, los angeles, glass,
grass, cactus, iris, gps, people, two dogs, group of horses, c++ book, t-shirt, ???, +, pizza 2,
포도, 사과, 바나나, 오이, 어린이, 고양이, 호랑이, 떡볶이, 가을, 마을, 만화가, 고양이과 동물,
달리는 강아지, 늑대나 여우, 바닷가에 있는 사람들, 식탁 위의 음식, 바다사자, 돌잔치, 목걸이,
해바라기, 물고기, 나
"""


@pytest.mark.parametrize("phrase", [each.strip() for each in UNCHANGED.split(",")])
def test_phrase_that_is_plain_stays(phrase):
    assert plain(phrase) == phrase


def test_everyday_korean_words_stay():
    words = {korean for _, korean in EVERYDAY_WORDS if " " not in korean and korean.isalpha()}

    assert {word for word in words if plain(word) != word} == set()


def test_plain_phrase_is_plain_already():
    for row in ROWS:
        for spelling in row:
            assert plain(plain(spelling)) == plain(spelling)


def test_emoji_take_the_words_of_the_sentence():
    assert plain("🌸 아래 할머니") == "벚꽃 아래 할머니"
    assert plain("grandma under 🌸") == "grandma under cherry blossom"
    assert plain("👨‍👩‍👧 🏖️") == "man woman girl beach"
