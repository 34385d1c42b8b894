"""The order of the test files, so that several processes have work until the end."""

from __future__ import annotations

from collections.abc import Mapping

SECONDS: Mapping[str, int] = {
    "tests/models/test_training.py": 90,
    "tests/browser/test_journeys.py": 90,
    "tests/browser/test_captioning.py": 80,
    "tests/integration/ui/test_connections.py": 60,
    "tests/browser/test_importing.py": 60,
    "tests/integration/ui/test_api.py": 50,
    "tests/browser/test_going_back.py": 50,
    "tests/browser/test_pointing_at_photos.py": 45,
    "tests/models/test_search_quality.py": 40,
    "tests/integration/ui/test_security.py": 40,
    "tests/models/test_preprocessing.py": 40,
    "tests/models/test_import_commands.py": 40,
    "tests/integration/ui/test_queue_lanes.py": 40,
    "tests/browser/test_fitting_captions.py": 40,
    "tests/browser/test_look.py": 40,
    "tests/browser/test_exporting.py": 40,
    "tests/browser/test_foreign_pages.py": 35,
    "tests/integration/importing/test_crash.py": 35,
    "tests/integration/captioning/test_caption_run.py": 35,
    "tests/models/test_light_commands.py": 30,
    "tests/integration/images/test_decoder_pool.py": 30,
    "tests/integration/runtime/test_temp_folder.py": 30,
    "tests/benchmarks/test_precision.py": 25,
    "tests/models/test_fetching.py": 25,
    "tests/integration/maintenance/test_hostile_backup.py": 25,
    "tests/integration/ui/test_foreign_requests.py": 20,
    "tests/browser/test_classifying.py": 20,
    "tests/browser/test_searching.py": 20,
    "tests/integration/runtime/test_shutdown.py": 20,
    "tests/integration/ui/test_served_disks.py": 20,
    "tests/models/test_training_stages.py": 15,
    "tests/integration/ui/test_secrets.py": 15,
    "tests/models/test_fine_tune.py": 15,
    "tests/browser/test_translating.py": 10,
}
"""About what slow files take on two quiet cores. Others take less than ten seconds."""


def slow_files_first(node_id: str) -> int:
    """Return the sort key of a test, which is the same for all tests of a file."""
    return -SECONDS.get(node_id.partition("::")[0], 0)
