"""Every symptom, cause and fix of the diagnosis, one record each."""
