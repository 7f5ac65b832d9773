"""Temporary."""


def draw_valence_words(figure, arrays):
    pass


FIGURES = {}
