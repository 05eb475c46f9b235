"""The joint model: encoders, text tower, Eqs. 2 and 3, saving and loading, inference."""
