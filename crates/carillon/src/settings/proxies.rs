//! What stands in front of the public port, and is believed.

use gateway::{ForwardedHeader, Network, Proxies, read_network};

use crate::settings::{amount, reader::Reader};

/// The most addresses and networks.
const TRUSTED_MAX: usize = 256;

pub(super) fn read(read: &mut Reader) -> Proxies {
    let proxies = Proxies {
        trusted: read.list("public.trusted_proxies", trusted),
        header: read.one("public.forwarded_header", header),
        introduce: read.one("public.proxy_protocol", amount::flag),
    };
    if proxies.introduce && proxies.trusted.is_empty() {
        let hint = "list the addresses of the proxies that speak it, as in [\"10.0.0.0/8\"]";
        read.refuse("public.proxy_protocol", "needs public.trusted_proxies", hint);
    }
    proxies
}

fn trusted(list: &[String]) -> Result<Vec<Network>, String> {
    if list.len() > TRUSTED_MAX {
        return Err(format!("has more than {TRUSTED_MAX} addresses"));
    }
    let network = |text: &String| {
        let network =
            read_network(text).ok_or_else(|| format!("names {text:?}, which is no network"))?;
        // Whoever trusts everybody lets everybody say who they are.
        let is_all = network.prefix_len() == 0;
        if is_all { Err(format!("names {text:?}, which is everybody")) } else { Ok(network) }
    };
    list.iter().map(network).collect()
}

fn header(text: &str) -> Result<ForwardedHeader, String> {
    match text.to_ascii_lowercase().as_str() {
        "x-forwarded-for" => Ok(ForwardedHeader::XForwardedFor),
        "forwarded" => Ok(ForwardedHeader::Forwarded),
        _ => Err("is neither x-forwarded-for nor forwarded".to_owned()),
    }
}
