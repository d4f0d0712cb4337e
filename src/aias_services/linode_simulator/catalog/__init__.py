"""What Linode publishes: regions and capabilities, plan types, prices, versions, images."""
