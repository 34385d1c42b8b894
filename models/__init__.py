"""Networks and model APIs: images, texts, arrays; nothing here knows a photo, an id or a user."""
