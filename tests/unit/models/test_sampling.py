"""What a step sees depends on its number alone."""

from __future__ import annotations

import torch

from models.training.sampling import Sampler, share_out
from models.training.training_set import Group, SourceImages, TrainingSet

CPU = torch.device("cpu")


def numbered(n: int, share: float, first_group: int) -> SourceImages:
    """Pictures whose first pixel tells their position; every third is left out."""
    pixels = torch.zeros(n, 2, 2, 3, dtype=torch.uint8)
    pixels[:, 0, 0, 0] = torch.arange(n)
    rows = torch.tensor([row for row in range(n) if row % 3])
    return SourceImages("numbered", pixels, rows, rows + first_group, share)


def data() -> TrainingSet:
    groups = [Group(0, (f"word {number}", f"낱말 {number}"), frozenset()) for number in range(90)]
    return TrainingSet([numbered(30, 3.0, 0), numbered(60, 1.0, 30)], groups, {})


def test_a_batch_has_its_share_of_every_source():
    sampler = Sampler(data(), 8, 0, CPU)
    pixels, groups, opinions = sampler.batch(0)
    assert [len(some) for some in pixels] == [6, 2]
    assert groups.shape == (8,)
    assert opinions is None


def test_images_keep_their_group_without_excluded_ones():
    sampler = Sampler(data(), 8, 0, CPU)
    for number in range(30):
        pixels, groups, _ = sampler.batch(number)
        positions = torch.cat([pixels[0][:, 0, 0, 0], pixels[1][:, 0, 0, 0].int() + 30])
        assert positions.tolist() == groups.tolist()
        assert all(position % 3 for position in positions.tolist())


def test_pass_shows_every_image_once_and_then_reshuffles():
    sampler = Sampler(data(), 8, 0, CPU)  # 20 pictures of the first source, 6 a batch
    seen = torch.cat([sampler.batch(number)[1][:6] for number in range(10)]).tolist()
    passes = [seen[start : start + 20] for start in (0, 20, 40)]
    assert sorted(passes[0]) == sorted(passes[1]) == sorted(passes[2])
    assert len(set(passes[0])) == 20
    assert passes[0] != passes[1] != passes[2]


def test_batch_is_independent_of_earlier_draws():
    walked = Sampler(data(), 8, 0, CPU)
    for number in range(25):
        walked.batch(number)
    assert walked.batch(25)[1].equal(Sampler(data(), 8, 0, CPU).batch(25)[1])
    assert walked.batch(3)[1].equal(Sampler(data(), 8, 0, CPU).batch(3)[1])
    assert not walked.batch(3)[1].equal(Sampler(data(), 8, 1, CPU).batch(3)[1])


def test_processes_share_a_pass_without_meeting():
    both = [Sampler(data(), 8, 0, CPU, rank, 2) for rank in (0, 1)]
    seen = [one.batch(number)[1][:6].tolist() for number in range(1) for one in both]
    assert not set(seen[0]) & set(seen[1])


def test_a_group_is_worded_in_all_its_ways():
    sampler = Sampler(data(), 8, 0, CPU)
    torch.manual_seed(0)
    words = sampler.draw_texts(torch.full((40,), 7))
    assert set(words) == {"word 7", "낱말 7"}


def test_opinions_come_with_their_own_pictures():
    sources = data()
    for source in sources.sources:
        own = torch.arange(len(source.pixels), dtype=torch.float16)
        source.opinions = torch.stack([own, -own], dim=1)
    pixels, _, opinions = Sampler(sources, 8, 0, CPU).batch(3)
    seen = torch.cat([some[:, 0, 0, 0] for some in pixels]).float()
    assert opinions.tolist() == torch.stack([seen, -seen], dim=1).tolist()


def test_shares_become_integers_that_sum_to_the_batch():
    assert share_out(256, [84, 40, 1]) == [172, 82, 2]
    assert sum(share_out(7, [1.0] * 10)) == 7
    assert share_out(10, [1, 1, 1]) == [4, 3, 3]
