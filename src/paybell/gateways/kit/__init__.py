"""What gateways share: claims and how they are judged, payloads, amounts, options."""
