"""The web server of the page: connections, login and request checks."""
