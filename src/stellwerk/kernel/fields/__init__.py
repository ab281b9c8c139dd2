"""One class per kind of value: all there is to say about a field, whatever asks. See decision 0027."""
