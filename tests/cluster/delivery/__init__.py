"""What stories of delivery share: steady traffic with every answer kept, versions good and bad, the command line."""
