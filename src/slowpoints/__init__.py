"""Find out how trained recurrent networks compute."""
