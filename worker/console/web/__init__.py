"""How the pages are served: who may ask what, what they are answered, and what a page is put together from."""
