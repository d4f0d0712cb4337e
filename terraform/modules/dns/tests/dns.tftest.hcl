mock_provider "linode" {
  mock_resource "linode_domain" {
    defaults = { id = "1001" }
  }
}

variables {
  domain = "dev.example.com"
}

run "there_are_no_names_before_the_edge_has_an_address" {
  command = plan

  assert {
    condition     = length(linode_domain_record.edge) == 0
    error_message = "A name must not lead nowhere."
  }

  assert {
    condition     = linode_domain.this.soa_email == "hostmaster@dev.example.com"
    error_message = "Somebody answers for the zone."
  }
}

run "every_host_leads_to_the_edge" {
  command = plan

  variables {
    edge_address = "203.0.113.7"
  }

  assert {
    condition     = alltrue([for record in linode_domain_record.edge : record.record_type == "A" && record.target == "203.0.113.7"])
    error_message = "Every host leads to the edge."
  }

  assert {
    condition     = output.names == tolist(["analytics.dev.example.com", "api.dev.example.com", "argocd.dev.example.com", "grafana.dev.example.com", "id.dev.example.com"])
    error_message = "The hosts are those of the platform."
  }
}

run "what_is_no_name_and_no_address_is_refused" {
  command = plan

  variables {
    domain       = "Dev Example"
    edge_address = "somewhere"
  }

  expect_failures = [var.domain, var.edge_address]
}
