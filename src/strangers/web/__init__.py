"""The page: faces, edits, photographs and runs over HTTP. Needs the extra `serve`."""
