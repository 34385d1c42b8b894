"""Networks and model APIs.

They read and return images, texts and arrays, and know no photo, id or user.
"""
