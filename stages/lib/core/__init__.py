"""What every stage needs: errors, parameters, the runner, tables and ids."""
