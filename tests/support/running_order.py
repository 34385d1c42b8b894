"""The order of the test files, so that several processes have work until the end."""

from __future__ import annotations

from collections.abc import Mapping

SECONDS: Mapping[str, int] = {
    "tests/browser/test_finding_ones_way.py": 130,
    "tests/browser/test_lightbox.py": 120,
    "tests/models/test_training.py": 120,
    "tests/browser/test_discovering.py": 110,
    "tests/browser/test_fitting_captions.py": 95,
    "tests/browser/test_captioning.py": 90,
    "tests/browser/test_journeys.py": 90,
    "tests/browser/test_exporting.py": 85,
    "tests/browser/test_going_back.py": 85,
    "tests/browser/test_searching.py": 85,
    "tests/browser/test_access.py": 80,
    "tests/browser/test_timeline.py": 80,
    "tests/browser/test_importing.py": 75,
    "tests/browser/test_choices_by_hand.py": 70,
    "tests/integration/ui/test_connections.py": 60,
    "tests/unit/images/test_decoding.py": 60,
    "tests/browser/test_narrowing.py": 55,
    "tests/browser/test_pointing_at_photos.py": 55,
    "tests/browser/test_look.py": 45,
    "tests/models/test_fine_tune.py": 45,
    "tests/integration/images/test_decoder_pool.py": 40,
    "tests/models/test_fetching.py": 40,
    "tests/browser/test_classifying.py": 35,
    "tests/integration/captioning/test_caption_run.py": 35,
    "tests/integration/ui/test_api.py": 35,
    "tests/integration/ui/test_queue_lanes.py": 35,
    "tests/integration/importing/test_crash.py": 30,
    "tests/integration/ui/test_security.py": 30,
    "tests/integration/ui/test_served_disks.py": 30,
    "tests/models/test_caption_command.py": 30,
    "tests/models/test_command_line.py": 30,
    "tests/models/test_label_commands.py": 30,
    "tests/models/test_light_commands.py": 30,
    "tests/models/test_text_tower.py": 30,
    "tests/models/test_training_stages.py": 30,
    "tests/benchmarks/test_precision.py": 25,
    "tests/integration/maintenance/test_hostile_backup.py": 25,
    "tests/integration/ui/test_classify_tab.py": 25,
    "tests/integration/ui/test_foreign_requests.py": 25,
    "tests/integration/ui/test_secrets.py": 25,
    "tests/models/test_reference.py": 25,
    "tests/models/test_search_quality.py": 25,
    "tests/browser/test_foreign_pages.py": 20,
    "tests/browser/test_server_paths.py": 20,
    "tests/integration/cli/test_served_search.py": 20,
    "tests/integration/importing/test_import_jobs.py": 20,
    "tests/models/test_keeping_commands.py": 20,
    "tests/unit/search/test_query.py": 20,
    "tests/browser/test_translating.py": 15,
    "tests/integration/classification/test_label_transfer.py": 15,
    "tests/integration/runtime/test_shutdown.py": 15,
    "tests/integration/ui/test_search_tab.py": 15,
    "tests/models/test_clip.py": 15,
    "tests/models/test_evaluate.py": 15,
    "tests/models/test_import_commands.py": 15,
    "tests/models/test_preprocessing.py": 15,
    "tests/unit/metadata/test_geocoder.py": 15,
    "tests/integration/classification/test_labelling.py": 10,
    "tests/integration/ui/test_examples_view.py": 10,
    "tests/models/test_loader.py": 10,
}
"""About what slow files take on two quiet cores. Others take less than ten seconds."""


def slow_files_first(node_id: str) -> int:
    """Return the sort key of a test, which is the same for all tests of a file."""
    return -SECONDS.get(node_id.partition("::")[0], 0)
