"""The page: the only folder besides `app.py` that knows Gradio."""
