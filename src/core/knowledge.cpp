// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/knowledge.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/decode.hpp"

namespace farewell::core {
namespace {

Address all_ones(Family family) {
    constexpr std::byte kOnes{0xff};
    std::array<std::byte, 16> ones{};
    ones.fill(kOnes);
    return family == Family::ipv4 ? Address::ipv4(std::span(ones).first<4>()) : Address::ipv6(ones);
}

/// fe80::/10, RFC 4291
bool is_link_local(const Address& address) {
    return address.family() == Family::ipv6 && address.bytes()[0] == std::byte{0xfe} &&
           (address.bytes()[1] & std::byte{0xc0}) == std::byte{0x80};
}

}  // namespace

Knowledge::Knowledge(Facts facts) : facts_(std::move(facts)) {
    add_role(facts_.own_addresses, kOwn);
    add_role(facts_.gateways, kGateway);
    add_role(facts_.resolvers, kResolver);
    add_role(facts_.session_peers, kSessionPeer);
    for (const Address& broadcast : facts_.broadcasts) {
        // A /32 has none of its own; some interfaces then claim their address.
        if (!is_own(broadcast) && !broadcast.is_unspecified()) {
            roles_[broadcast] |= kBroadcast;
        }
    }
    for (const Prefix& prefix : facts_.on_link) {
        add_network(prefix);
    }
    for (const Port& port : facts_.served) {
        if (port.protocol == protocol::kTcp) {
            tcp_.set(port.number);
        } else if (port.protocol == protocol::kUdp) {
            udp_.set(port.number);
        } else {
            other_ports_.push_back(port);
        }
    }
    std::ranges::sort(other_ports_);
}

std::size_t Knowledge::QuickHash::operator()(const Address& address) const {
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15U;
    const auto [high, low] = address.words();
    return high ^ low * kOdd;  // the table mixes the bits itself
}

bool Knowledge::has_role(const Address& address, unsigned roles) const {
    const auto found = roles_.find(address);
    return found != roles_.end() && (found->second & roles) != 0;
}

void Knowledge::add_role(const std::vector<Address>& addresses, unsigned role) {
    for (const Address& address : addresses) {
        roles_[address] |= role;
    }
}

void Knowledge::add_network(const Prefix& prefix) {
    const auto mask = all_ones(prefix.address.family()).masked(prefix.length).words();
    const auto value = prefix.address.masked(prefix.length).words();
    networks_.push_back({.high = value[0],
                         .low = value[1],
                         .high_mask = mask[0],
                         .low_mask = mask[1],
                         .family = prefix.address.family()});
}

std::optional<Address> Knowledge::protected_in(const Prefix& prefix) const {
    if (prefix.is_address()) {
        return is_protected(prefix.address) ? std::optional(prefix.address) : std::nullopt;
    }
    for (const auto* const addresses :
         {&facts_.own_addresses, &facts_.gateways, &facts_.resolvers, &facts_.session_peers}) {
        for (const Address& address : *addresses) {
            if (is_protected(address) && prefix.contains(address)) {
                return address;
            }
        }
    }
    return std::nullopt;
}

std::string_view Knowledge::protected_as(const Address& address) const {
    if (is_own(address)) {
        return "own address";
    }
    if (is_gateway(address)) {
        return "gateway";
    }
    if (is_resolver(address)) {
        return "resolver";
    }
    return is_session_peer(address) ? "logged-in peer" : "";
}

std::string_view Knowledge::interface_name(std::uint32_t index) const {
    const auto found = std::ranges::lower_bound(facts_.interfaces, index, {}, &Interface::index);
    return found != facts_.interfaces.end() && found->index == index ? std::string_view(found->name) : "";
}

bool Knowledge::is_on_link(const Address& address) const {
    if (is_link_local(address)) {
        return true;
    }
    const auto words = address.words();
    const Family family = address.family();
    return std::ranges::any_of(networks_, [&words, family](const Network& network) {
        return network.family == family && (words[0] & network.high_mask) == network.high &&
               (words[1] & network.low_mask) == network.low;
    });
}

bool Knowledge::is_served(const Port& port) const {
    if (port.protocol == protocol::kTcp) {
        return tcp_[port.number];
    }
    if (port.protocol == protocol::kUdp) {
        return udp_[port.number];
    }
    return std::ranges::binary_search(other_ports_, port);
}

std::vector<Prefix> never_banned(const std::vector<Prefix>& allowlist, const Knowledge& knowledge) {
    std::vector<Prefix> prefixes = allowlist;
    const Knowledge::Facts& facts = knowledge.facts();
    const auto append = [&prefixes](const std::vector<Address>& addresses) {
        for (const Address& address : addresses) {
            const auto length = static_cast<std::uint8_t>(address.bytes().size() * 8);
            prefixes.push_back({.address = address, .length = length});
        }
    };
    append(facts.own_addresses);
    append(facts.gateways);
    append(facts.resolvers);
    append(facts.session_peers);
    return prefixes;
}

}  // namespace farewell::core
