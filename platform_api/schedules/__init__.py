"""When something comes by itself: how it is written, and at which moments that is."""
