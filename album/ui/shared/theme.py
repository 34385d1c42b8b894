"""Appearance of the page: theme, style sheets and keyboard script.

The script is in `head.html`.

It uses system fonts with Korean faces named, one accent colour and an 8-pixel grid. Nothing is
fetched from outside.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

FONTS = [
    "Pretendard",
    "Noto Sans KR",
    "Noto Sans CJK KR",
    "Apple SD Gothic Neo",
    "Malgun Gothic",
    "system-ui",
    "sans-serif",
]

_UI = Path(__file__).parents[1]
CSS_FILES = [
    _UI / name
    for name in (
        "shared/page.css",
        "photo/lightbox.css",
        "search/timeline.css",
        "search/discover.css",
        "classify/classify.css",
        "classify/examples.css",
        "captions/captions.css",
        "export/export.css",
        "shared/access.css",
    )
]
HEAD_FILE = Path(__file__).with_name("head.html")

ACCENT = gr.themes.Color(
    name="pine",
    c50="#eef7f4", c100="#d6ebe4", c200="#aed7ca", c300="#7dbcab", c400="#4d9c89",
    c500="#2f806f", c600="#1f6a5b", c700="#19564b", c800="#16453d", c900="#123933", c950="#081f1c",
)  # fmt: skip


def theme() -> gr.themes.Base:
    """Build a calm theme that leaves attention to the photos."""
    return gr.themes.Base(
        primary_hue=ACCENT,
        secondary_hue=ACCENT,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        font=FONTS,
        font_mono=["ui-monospace", "monospace"],
    ).set(
        body_background_fill="#fbfaf8",
        body_background_fill_dark="#141312",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_shadow_dark="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_border_width_dark="0px",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_title_text_color="*neutral_600",
        block_title_text_color_dark="*neutral_300",
        block_title_text_weight="500",
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="*neutral_400",
        block_padding="0px",
        panel_background_fill="transparent",
        panel_background_fill_dark="transparent",
        input_background_fill="#ffffff",
        input_background_fill_dark="#1e1d1b",
        input_border_color="#d6d3ce",
        input_border_color_dark="#45413c",
        input_border_width="1px",
        input_border_width_dark="1px",
        input_placeholder_color="#78716c",
        input_placeholder_color_dark="#a8a29e",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="#ffffff",
        button_secondary_background_fill="#efece7",
        button_secondary_background_fill_hover="#e4e0d9",
        button_secondary_background_fill_dark="#2a2826",
        button_secondary_background_fill_hover_dark="#383532",
        button_secondary_text_color="#292524",
        button_secondary_text_color_dark="#f0eeea",
        button_border_width="0px",
        button_border_width_dark="0px",
        button_large_text_weight="500",
        button_small_text_weight="500",
        color_accent_soft="*primary_100",
        color_accent_soft_dark="*primary_900",
    )
