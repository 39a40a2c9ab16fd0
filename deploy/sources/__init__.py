"""Where artifacts come from; each source is one module with one `fetch`."""
