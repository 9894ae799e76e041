"""`verify --follow`: the same judgement as `verify`, of topics that grow, in memory that does not."""
