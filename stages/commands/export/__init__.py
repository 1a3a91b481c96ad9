"""Write the data at hand for other tools: trainers, benchmarks and libraries."""
