"""Applications to the payer: opening, joining, leaving or changing agency, changing software, as its letters say."""
