"""The web server around the page: who may connect, log in, and send what."""
