"""Composition root: settings, models, album, page. Also the entry of a Space."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from functools import partial

from album.captioning.captions import CaptionPace
from album.cli.served_search import answer_request
from album.errors import AlbumError
from album.importing.sample_photos import sample_photos
from album.runtime.local_socket import LocalSocket
from album.runtime.shutdown import closing_s, interrupt_on_signals, wait_for_end
from album.runtime.temp_folder import TempFolder
from album.service import Album
from album.settings import Settings, keep_libraries_private, use_temp_dir
from models.captioners.factory import create_captioner, fetch_in_background
from models.classifiers.factory import DefaultClassifiers
from models.clip.loader import EncoderLoader
from models.interfaces import Captioner

log = logging.getLogger("album")


def serve(settings: Settings) -> None:
    """Serve the page until the process is asked to end.

    Raises:
        AlbumError: the library cannot be opened.
    """
    keep_libraries_private(settings)
    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for package in ("album", "models"):
        logging.getLogger(package).setLevel(settings.log_level)
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # the page reports failures
    captioner = create_captioner(
        settings.captioner,
        gemini_api_key=settings.gemini_api_key,
        gemini_model=settings.gemini_model,
        gemini_endpoint=settings.gemini_endpoint,
        coca_model=settings.coca_model,
        weights_dir=settings.weights_dir,
        device=settings.device,
    )
    album = Album(
        settings.data_dir,
        DefaultClassifiers(),
        captioner,
        folders=settings.folders,
        rescan_every_s=60 * settings.rescan_minutes,
        caption_pace=CaptionPace(
            settings.captions_per_minute, settings.captions_per_day, settings.captions_parallel
        ),
    )
    with interrupt_on_signals(album.imports.release), suppress(KeyboardInterrupt):
        _serve(album, captioner, settings)


def _serve(album: Album, captioner: Captioner, settings: Settings) -> None:
    temp = TempFolder(settings.temp_dir)
    use_temp_dir(temp.path)
    loader = EncoderLoader(settings.model, settings.device, settings.weights_dir)
    page = None
    commands = LocalSocket(settings.data_dir, partial(answer_request, album))
    try:
        # Gradio first: the model then loads while the page is built.
        from album.ui.i18n.messages import translations
        from album.ui.page import build_page
        from album.ui.search.url_state import from_address
        from album.ui.server.app import GuardedApp
        from album.ui.server.connections import limit_connections
        from album.ui.server.discover_routes import discover_routes
        from album.ui.server.login import Login
        from album.ui.server.photo_routes import photo_routes
        from album.ui.server.sessions import limit_sessions
        from album.ui.server.timeline_routes import timeline_routes
        from album.ui.shared import theme
        from album.ui.shared.alerts import answer_full_disk
        from album.ui.shared.preferences import apply_preferences_early
        from album.ui.shared.queue_lanes import use_lanes
        from album.ui.shared.uploads import leave_no_partial_uploads

        loader.start(album.active.set_encoder, album.serving)
        fetch_in_background(captioner)
        album.start()
        commands.start()
        page = build_page(album, loader, temp.path, sample_photos())
        use_lanes(page)
        login = settings.login and Login(*settings.login)
        limit_connections(settings.request_timeout_s)
        leave_no_partial_uploads()
        apply_preferences_early()
        _, address, _ = page.launch(
            prevent_thread_lock=True,
            quiet=True,  # Gradio would advertise a public link
            _frontend=False,  # or a machine that answers slowly at the start ends the album
            auth=login and login.check,  # type: ignore[arg-type]  # Gradio awaits it
            _app=GuardedApp(
                settings.hosts,
                settings.framed_by,
                settings.request_timeout_s,
                temp.path,
                routes=[
                    *photo_routes(album),
                    *timeline_routes(album, from_address),
                    *discover_routes(album),
                ],
                exception_handlers={OSError: answer_full_disk},
            ),
            theme=theme.theme(),
            css_paths=theme.CSS_FILES,
            head_paths=theme.HEAD_FILE,
            i18n=translations(),
            share=False,
            ssr_mode=False,
            run_history=False,
            enable_monitoring=False,
            footer_links=[],
            show_error=False,
            app_kwargs={"lifespan": limit_sessions},
            max_file_size=settings.max_upload_mb * 1_000_000,
            blocked_paths=[
                str(settings.data_dir / name)
                for name in (
                    "album.db",
                    "album.db-wal",
                    "photos",
                    "incoming",
                    "imports",
                    "thumbnails",
                    "embeddings",
                    "places",
                )
            ],
        )
        sys.stdout.write(f"The album is open at {address}\n")
        sys.stdout.flush()
        wait_for_end()
    finally:
        commands.close()
        loader.stop()
        if page is not None and page.is_running:
            # Browsers stay connected: wait one second for them.
            page.server.config.timeout_graceful_shutdown = 1
            page.close(verbose=False)
        album.close(closing_s())
        temp.close()


def main() -> None:
    """Start the album with the settings of the environment."""
    try:
        serve(Settings.from_env())
    except AlbumError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:  # before the library was open
        sys.exit(130)


if __name__ == "__main__":
    main()
