"""The album service: photos in, found, classified, captioned. Loads neither torch nor Gradio."""
