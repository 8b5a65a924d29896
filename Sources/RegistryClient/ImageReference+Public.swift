package import ImageModel

extension ImageReference {
    /// A registry that holds more than anyone could mean without saying so.
    package var isPublicRegistry: Bool {
        let hosts = [
            "docker.io", "quay.io", "ghcr.io", "gcr.io", "registry.k8s.io", "mcr.microsoft.com", "public.ecr.aws",
            "registry.gitlab.com", "registry.access.redhat.com",
        ]
        return transport == .registry
            && hosts.contains { location == $0 || location.hasSuffix("." + $0) || location.hasSuffix(".pkg.dev") }
    }
}
