"""How pages are served: who may ask, what is answered, and what pages are made of."""
