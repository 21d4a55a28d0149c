//! Amounts as the API server writes them back, so that what is applied and what stands are equal.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

pub(super) fn cores(millis: i32) -> Quantity {
    Quantity(match millis % 1000 {
        0 => (millis / 1000).to_string(),
        _ => format!("{millis}m"),
    })
}

pub(super) fn mebibytes(amount: i32) -> Quantity {
    let larger = [("Ti", 1024 * 1024), ("Gi", 1024)];
    let unit = larger.into_iter().find(|(_, size)| amount % size == 0 && amount > 0);
    let (name, size) = unit.unwrap_or(("Mi", 1));
    Quantity(format!("{}{name}", amount / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_as_short_as_can_be() {
        let cpu = [250, 1000, 1500, 64_000].map(|millis| cores(millis).0);
        let memory = [256, 1024, 1536, 4096, 2 * 1024 * 1024].map(|amount| mebibytes(amount).0);

        assert_eq!(cpu, ["250m", "1", "1500m", "64"]);
        assert_eq!(memory, ["256Mi", "1Gi", "1536Mi", "4Gi", "2Ti"]);
    }
}
