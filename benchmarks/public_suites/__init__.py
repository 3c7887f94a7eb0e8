"""Other people's training programs under diagnosis, beside what other tools say of them."""
