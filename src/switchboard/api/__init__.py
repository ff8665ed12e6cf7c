"""REST edge: decode, authorise, call one verb, encode. Knows Litestar; knows no SQL."""
