"""Statistics of the findings: pure functions of arrays, without any knowledge of runs or claims.

Shapes: B resamples of the test tunes, G test tunes, C cells, S seeds.
"""
